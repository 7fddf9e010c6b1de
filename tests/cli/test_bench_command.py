"""`bench`: its JSON, and a figure that there is not."""

from calling import answer, call, check_form, schema_of, sentence

from lmlab.bench import Row


def test_json_of_bench():
    data = answer("bench", "--only", "load", "bigrams")
    check_form(data, schema_of("bench"))
    assert [row["name"] for row in data["rows"]] == ["bigrams", "load"]
    assert "load" in call("bench", "--only", "load").stdout


def test_targets_are_bounds_from_either_side(monkeypatch):
    def measured(only, tell):
        quick = Row("quick", "A time", "s", 0.1, target=0.3)
        return [
            quick,
            Row("often", "A ratio", "x", 1.25, target=1.5, at_least=True),
            Row("curve", "C", "s", 2.0, at=64),
        ]

    monkeypatch.setattr("lmlab.bench.run", measured)
    told = call("bench").stdout
    assert "≤ 0.3 s" in told
    assert "≥ 1.5 x" in told
    assert "NO" in told
    assert "curve at 64" in told


def test_wrong_use_of_the_command_line():
    assert "Did you mean 'bigrams'?" in sentence("bench", "--only", "bigram")
    for arguments in (["train"], ["count", "--order", "two"], ["generate"], ["nothing"], ["app", "--port", "0"]):
        assert call(*arguments).exit_code == 2


def test_the_plot_is_written_or_refused(monkeypatch, tmp_path):
    rows = [Row("scaling-length-speed", "Training", "tokens/s", 9.0 - at, at=at) for at in (1.0, 2.0)]
    monkeypatch.setattr("lmlab.bench.run", lambda only, tell: rows)
    assert "not among those" in sentence("bench", "--only", "load", "--plot", tmp_path / "plot.html")
    assert "no folder" in sentence("bench", "--plot", tmp_path / "no" / "plot.html")
    answer("bench", "--only", "scaling", "--plot", tmp_path / "plot.html")
    assert "Plotly.newPlot" in (tmp_path / "plot.html").read_text("utf-8")
