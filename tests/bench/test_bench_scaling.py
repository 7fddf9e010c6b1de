"""Scaling: points come from processes of their own, and the page with the plot needs no network."""

import pytest
from benching import one_core  # noqa: F401

from lmlab.bench import scaling
from lmlab.bench.rows import Row, machine
from lmlab.bench.scaling import Setting
from lmlab.data.corpus import load_corpus
from lmlab.figures.figure import Figure
from lmlab.models.build import build

TINY = Setting(d_model=8, n_layer=1, length=8, characters=2000)


@pytest.fixture
def rows() -> list[Row]:
    return [
        Row(f"scaling-{name}-{measure}", "Training", unit, 100.0 * at, at=at)
        for name in scaling.SWEEPS
        for measure, unit in (("speed", "tokens/s"), ("memory", "MB"))
        for at in (1.0, 10.0)
    ]


def test_a_cost():
    cost = scaling.cost_of(TINY, duration=0.05, threads=1)
    letters = len(set("".join(load_corpus("shakespeare").texts)[:2000]))
    model = build("transformer", {"d_model": 8, "n_layer": 1, "context": 8}, 1 + letters)
    assert cost.parameters == sum(weight.numel() for weight in model.parameters())
    assert cost.tokens_per_second > 0
    assert cost.megabytes is None or cost.megabytes >= cost.megabytes_before > 1


def test_a_corpus_may_be_longer_than_the_text():
    longer = Setting(d_model=8, n_layer=1, length=8, characters=1_200_000)
    assert scaling.cost_of(longer, duration=0.01, threads=1).tokens_per_second > 0


def test_a_point_is_measured_in_a_fresh_process():
    speed, memory = scaling.scaling({"length": (TINY,)}, duration=0.05, threads=1)
    assert (speed.name, speed.at, speed.unit) == ("scaling-length-speed", 8, "tokens/s")
    assert speed.value > 0
    assert (memory.name, memory.at, memory.unit) == ("scaling-length-memory", 8, "MB")


def test_one_thing_changes_along_a_curve():
    assert len({setting.d_model for setting in scaling.SWEEPS["parameters"]}) > 2
    for name, field in (("length", "length"), ("corpus", "characters")):
        values = [getattr(setting, field) for setting in scaling.SWEEPS[name]]
        assert values == sorted(set(values))
        rest = {(s.d_model, s.n_layer, s.length * (field != "length"), s.characters * (field != "characters"))
                for s in scaling.SWEEPS[name]}  # fmt: skip
        assert len(rest) == 1


def test_the_figure_has_a_column_for_each_size_and_two_rows(rows):
    figure = scaling.scaling_figure([Row("bigrams", "", "ms", 3.0), *rows])
    assert isinstance(figure, Figure)
    traces = figure.plotly["data"]
    assert len(traces) == 6
    assert all(trace["x"] == [1.0, 10.0] and trace["y"] == [100.0, 1000.0] for trace in traces)
    assert len({(trace["xaxis"], trace["yaxis"]) for trace in traces}) == 6
    titles = [value["title"]["text"] for key, value in figure.plotly["layout"].items() if key.startswith("xaxis")]
    assert {*scaling.NAMES.values()} <= {*titles}
    assert len(figure.table[1]) == len(rows)


def test_what_was_not_measured_is_left_out(rows, refused):
    speed_only = [row for row in rows if row.name.endswith("speed")]
    unknown = [Row("scaling-corpus-memory", "", "MB", None, at=1.0)]
    assert len(scaling.scaling_figure(speed_only + unknown).plotly["data"]) == 3
    with refused("figure 'scaling'"):
        scaling.scaling_figure([Row("bigrams", "", "ms", 3.0)])


def test_the_page_is_one_file_that_needs_no_network(rows, tmp_path, refused):
    scaling.write_plot(rows, machine(), tmp_path / "plot.html")
    page = (tmp_path / "plot.html").read_text("utf-8")
    assert "Plotly.newPlot" in page
    assert "<script src=" not in page
    assert "<link" not in page.partition("Plotly.newPlot")[2]
    assert "--model" not in page.partition("Plotly.newPlot")[2]  # the colours are real ones
    assert page.count("<tr>") == 1 + len(rows)
    with refused("could not be written"):
        scaling.write_plot(rows, machine(), tmp_path / "no" / "plot.html")
