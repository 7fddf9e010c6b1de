"""`bench`: its JSON, and a figure that there is not."""

from calling import answer, call, check_form, schema_of, sentence


def test_json_of_bench():
    data = answer("bench", "--only", "load", "bigrams")
    check_form(data, schema_of("bench"))
    assert [row["name"] for row in data["rows"]] == ["bigrams", "load"]
    assert "load" in call("bench", "--only", "load").stdout


def test_wrong_use_of_the_command_line():
    assert "Did you mean 'bigrams'?" in sentence("bench", "--only", "bigram")
    for arguments in (["train"], ["count", "--order", "two"], ["generate"], ["nothing"], ["app", "--port", "0"]):
        assert call(*arguments).exit_code == 2
