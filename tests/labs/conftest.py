"""What students might write is read as text; as modules, two files of one name could not both be collected."""

collect_ignore_glob = ["*conftest.py", "solutions/*", "others/*"]
