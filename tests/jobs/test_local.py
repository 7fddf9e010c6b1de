"""Jobs: worker processes, owners, caps, and the death of a worker. One job service for the module."""

import asyncio
import concurrent.futures
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from lmlab import strings
from lmlab.errors import LabError
from lmlab.jobs import local
from lmlab.jobs.calls import SLOW
from lmlab.jobs.local import LocalJobs
from lmlab.jobs.messages import JobSpec, Limits
from lmlab.jobs.worker import Worker
from lmlab.runs.cards import find_run, list_runs, read_card
from lmlab.training.recipe import Recipe

ME, OTHER = "a" * 32, "b" * 32
LONG = Recipe(steps=20_000, batch_size=32)
SHORT = Recipe(steps=60, batch_size=32)


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    before = os.environ.get("LMLAB_HOME")
    os.environ["LMLAB_HOME"] = str(tmp_path_factory.mktemp("home"))
    service = LocalJobs(2, Limits(jobs_per_owner=3, jobs=4, unwatched_pause=60))
    assert service.wait_until_warm()
    yield service
    service.close()
    if before is None:
        del os.environ["LMLAB_HOME"]
    else:
        os.environ["LMLAB_HOME"] = before


@pytest.fixture(autouse=True)
def tidy(jobs):
    yield
    for owner in (ME, OTHER):
        for job in jobs.jobs_of(owner):
            jobs.command(job, owner, "stop")
            until(jobs, job, owner, "done", "failed")


def spec(recipe=SHORT, **options) -> JobSpec:
    return JobSpec("mlp", {"d_hidden": 16}, recipe, **options)


def until(jobs, job, owner, *states, seconds=30, more=lambda snapshot: True):
    """Poll until the job is in one of the states."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        snapshot = jobs.poll(job, owner)
        if snapshot.status.state in states and more(snapshot):
            return snapshot
        time.sleep(0.02)
    raise AssertionError(f"{snapshot.status} after {seconds} s")


def of(snapshot, kind):
    return [value for name, value in snapshot.events if name == kind]


def test_a_training_ends_as_a_run_with_everything_on_its_card(jobs):
    job = jobs.submit(spec(), ME)
    snapshot = until(jobs, job, ME, "done")
    assert [step for step, _ in of(snapshot, "batch")] == list(range(1, 61))
    assert of(snapshot, "validation")[-1][0] == 60
    assert of(snapshot, "names")
    assert of(snapshot, "embedding")
    card = read_card(find_run(job, ME))
    assert card["steps"] == 60
    assert card["seed"] == 42
    assert card["metrics"]["train"]["nll"] > 0
    assert card["corpus"]["source"] == "names"
    made = jobs.call_and_wait(job, ME, "generate", {"corpus": "names", "n": 3})
    assert len(made["samples"]) == 3


def test_events_are_delivered_once_each(jobs):
    job = jobs.submit(spec(Recipe(steps=400, batch_size=32)), ME)
    events, since = [], 0
    while True:
        snapshot = jobs.poll(job, ME, since)
        events += snapshot.events
        since = snapshot.seq
        if snapshot.status.state == "done":
            break
        time.sleep(0.01)
    assert [value[0] for kind, value in events if kind == "batch"] == list(range(1, 401))


def test_pause_step_resume_stop(jobs):
    job = jobs.submit(spec(LONG, first=5), ME)
    until(jobs, job, ME, "paused", more=lambda s: s.status.step == 5)
    jobs.command(job, ME, "step", 10)
    until(jobs, job, ME, "paused", more=lambda s: s.status.step == 15)
    jobs.command(job, ME, "resume")
    until(jobs, job, ME, "running", more=lambda s: s.status.step > 40)
    jobs.command(job, ME, "pause")
    at = until(jobs, job, ME, "paused").status.step
    jobs.command(job, ME, "stop")
    done = until(jobs, job, ME, "done")
    assert done.status.step == at
    assert read_card(find_run(job, ME))["steps"] == at


def test_a_running_job_answers_questions(jobs):
    job = jobs.submit(spec(LONG), ME)
    until(jobs, job, ME, "running", more=lambda s: s.status.step > 5)
    assert len(jobs.call_and_wait(job, ME, "embeddings", {"row": 1})["near"]) == 5
    assert sum(jobs.call_and_wait(job, ME, "distribution", {})["p"]) == pytest.approx(1)
    with pytest.raises(LabError, match="no attention"):
        jobs.call_and_wait(job, ME, "attention", {"text": "emma"})


def test_call_is_awaitable_and_has_a_time_limit(jobs):
    report = asyncio.run(jobs.call(None, ME, "corpus", {"corpus": "names"}))
    assert report["split"]["train"] == 23_909
    with pytest.raises(LabError, match="took longer"):
        asyncio.run(jobs.call(None, ME, "sweep", {"corpus": "names"}, timeout=0.001))


def test_only_the_owner_reaches_a_job_or_its_run(jobs):
    job = jobs.submit(spec(LONG), ME)
    until(jobs, job, ME, "running")
    for attempt in (
        lambda: jobs.poll(job, OTHER),
        lambda: jobs.command(job, OTHER, "stop"),
        lambda: jobs.call_and_wait(job, OTHER, "embeddings", {}),
    ):
        with pytest.raises(LabError):
            attempt()
    assert jobs.jobs_of(OTHER) == []
    jobs.command(job, ME, "stop")
    until(jobs, job, ME, "done")
    with pytest.raises(LabError, match="no run"):
        jobs.call_and_wait(job, OTHER, "embeddings", {})
    assert job not in [card["id"] for card in list_runs(OTHER)]
    assert job in [card["id"] for card in list_runs(ME)]


def test_caps(jobs):
    with pytest.raises(LabError, match="the limit here"):
        jobs.submit(spec(Recipe(steps=20_001)), ME)
    with pytest.raises(LabError, match="the limit here"):
        jobs.submit(spec(Recipe(seconds=601)), ME)
    mine = [jobs.submit(spec(LONG), ME) for _ in range(3)]
    with pytest.raises(LabError, match="the most for one visitor"):
        jobs.submit(spec(LONG), ME)
    jobs.submit(spec(LONG), OTHER)
    with pytest.raises(LabError, match="The lab is full"):
        jobs.submit(spec(LONG), OTHER)
    assert jobs.jobs_of(ME) == mine


def test_a_step_that_would_block_the_worker_is_refused(jobs):
    big = JobSpec("transformer", {"n_layer": 12, "d_model": 512, "n_head": 8}, Recipe(steps=10, batch_size=512))
    job = jobs.submit(big, ME)
    assert "Choose a smaller model" in until(jobs, job, ME, "failed").status.sentence


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (JobSpec("mlp", {"n_head": 2}, SHORT), "no option"),
        (JobSpec("perceptron", {}, SHORT), "no model"),
        (JobSpec("mlp", {}, SHORT, corpus="/no/such/file"), "not here any more"),
        (JobSpec("transformer", {"d_model": 10, "n_head": 4}, SHORT), "does not divide"),
    ],
)
def test_what_cannot_be_trained_fails_with_a_sentence(jobs, bad, sentence):
    job = jobs.submit(bad, ME)
    assert sentence in until(jobs, job, ME, "failed").status.sentence


def test_the_workers_speak_the_language_of_the_page(jobs):
    with strings.speaking("es"):
        with pytest.raises(LabError, match="ya no está aquí"):
            jobs.call_and_wait(None, ME, "corpus", {"corpus": "/nowhere/at-all.txt"})
        wild = Recipe(steps=200, learning_rate=1000.0, optimizer="sgd", batch_size=32, clip=None)
        job = jobs.submit(JobSpec("mlp", {"d_hidden": 16}, wild), ME)
    snapshot = until(jobs, job, ME, "done", "failed")
    assert "La tasa de aprendizaje 1000 es demasiado alta" in snapshot.status.sentence
    with pytest.raises(LabError, match="is not here any more"):
        jobs.call_and_wait(None, ME, "corpus", {"corpus": "/nowhere/at-all.txt"})


def test_divergence_is_said(jobs):
    job = jobs.submit(spec(Recipe(steps=100, optimizer="sgd", learning_rate=1000.0)), ME)
    done = until(jobs, job, ME, "done")
    assert "too high" in done.status.sentence
    assert read_card(find_run(job, ME))["diverged"]["sentence"] == done.status.sentence


def test_two_trainings_share_a_worker_fairly(jobs):
    first = jobs.submit(spec(LONG), ME)
    until(jobs, first, ME, "running", more=lambda s: s.status.step > 200)
    others = [jobs.submit(spec(LONG), ME) for _ in range(2)]  # one worker now has two
    seconds = [until(jobs, job, ME, "running", more=lambda s: s.status.seconds > 0.5) for job in others]
    assert all(snapshot.status.step > 0 for snapshot in seconds)


def test_a_killed_worker_is_replaced_and_its_training_goes_on(jobs):
    recipe = Recipe(steps=1500, batch_size=32)
    whole = jobs.submit(spec(recipe), ME)
    until(jobs, whole, ME, "done")
    undisturbed = read_card(find_run(whole, ME))

    job = jobs.submit(spec(recipe, first=300), ME)
    until(jobs, job, ME, "paused", more=lambda s: s.status.step == 300)  # pausing writes a checkpoint
    jobs.command(job, ME, "resume")
    before = until(jobs, job, ME, "running", more=lambda s: s.status.step > 400)
    victim = jobs.processes()[jobs._records[job].worker]
    bystander = jobs.submit(spec(LONG), OTHER)
    until(jobs, bystander, OTHER, "running")
    os.kill(victim.pid, signal.SIGKILL)
    jobs.command(bystander, OTHER, "pause")
    until(jobs, bystander, OTHER, "paused")
    done = until(jobs, job, ME, "done", seconds=60)
    assert done.seq > before.seq
    assert jobs.poll(job, ME, before.seq).reset  # the events were told anew
    card = read_card(find_run(job, ME))
    assert card["steps"] == 1500
    assert card["metrics"]["validation"]["nll"] == undisturbed["metrics"]["validation"]["nll"]
    assert card["metrics"]["train"]["nll"] == undisturbed["metrics"]["train"]["nll"]


def test_a_call_to_a_dying_worker_gets_a_sentence(jobs):
    calls = [jobs._ask(None, ME, "sweep", {"corpus": "names", "k": 0.1 + i / 10}) for i in range(4)]
    for process in jobs.processes():
        os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(LabError, match="try again"):
        calls[-1].result(30)
    assert jobs.call_and_wait(None, ME, "corpus", {"corpus": "names"})["split"]["train"] == 23_909


def test_many_questions_to_a_busy_worker_never_make_the_asker_wait(jobs, monkeypatch):
    """More than fits a pipe, asked while both workers compute: the web process must stay free."""
    monkeypatch.setattr(local, "MOST_ASKED", 100)
    slow = [jobs._ask(None, ME, "sweep", {"corpus": "names", "k": 1.5 + i / 10}) for i in range(2)]
    begin = time.monotonic()
    text = "a" * 9_000
    asked = [jobs._ask(None, ME, "roll", {"corpus": "names", "prefix": text}) for _ in range(60)]
    jobs.jobs_of(OTHER)
    handed_over = time.monotonic() - begin
    assert not all(future.done() for future in slow), "the workers were not busy: nothing was tested"
    assert handed_over < 1
    for future in asked:
        with pytest.raises(LabError, match="shorten the prefix"):
            future.result(60)
    assert all(len(future.result(60)) == 8 for future in slow)


def test_nobody_watches_then_it_sleeps_and_wakes_when_somebody_looks(tmp_path, monkeypatch):
    monkeypatch.setenv("LMLAB_HOME", str(tmp_path))
    service = LocalJobs(1, Limits(unwatched_pause=0.5, unwatched_end=2.5))
    try:
        service.wait_until_warm()
        job = service.submit(spec(LONG), ME)
        until(service, job, ME, "running")
        record = service._records[job]
        deadline = time.monotonic() + 10
        while record.status.state != "paused" and time.monotonic() < deadline:
            time.sleep(0.05)
        assert record.asleep
        until(service, job, ME, "running")  # polling wakes it
        while record.status.state not in ("done", "failed") and time.monotonic() < deadline + 10:
            time.sleep(0.05)  # nobody looks any more: paused, then ended and kept
        assert record.status.state == "done"
        assert find_run(job, ME)
    finally:
        service.close()


def test_a_question_that_nobody_waits_for_is_passed_over():
    sent = []
    worker = Worker(SimpleNamespace(send=sent.append), Limits())
    worker.shelf = None  # whoever computed an answer would fail here
    worker._answer(7, None, "baselines", {"corpus": "names"}, "en", time.time() - 1)
    ((kind, number, good, said),) = sent
    assert (kind, number, good) == ("answer", 7, False)
    assert "try again" in said


def test_a_visitor_has_so_many_questions_at_once(jobs, monkeypatch, refused):
    monkeypatch.setattr(local, "MOST_ASKED", 2)
    waiting = [jobs._ask(None, ME, "baselines", {"corpus": "names"}, 30) for _ in range(2)]
    with refused("2 of your questions still wait"):
        jobs._ask(None, ME, "baselines", {"corpus": "names"}, 30)
    jobs.call_and_wait(None, OTHER, "baselines", {"corpus": "names"})  # another visitor is not concerned
    for future in waiting:
        future.result(30)
    jobs.call_and_wait(None, ME, "baselines", {"corpus": "names"})


def test_a_visitor_fetches_one_thing_at_a_time(jobs, monkeypatch, refused):
    assert set(local.FETCHES) == set(SLOW)
    seat = jobs._seats[0]
    asked = {-i: local.Asked(concurrent.futures.Future(), owner, "fetch") for i, owner in enumerate((ME, "c"), 1)}
    seat.calls.update(asked)
    try:
        with refused("being fetched from the Hub already"):
            jobs._ask(None, ME, "fetch", {"name": "x/y"}, 30)
        monkeypatch.setattr(local, "MOST_SLOW", 2)
        with refused("being fetched from the Hub already"):
            jobs._ask(None, OTHER, "fetch", {"name": "x/y"}, 30)
    finally:
        for number in asked:
            seat.calls.pop(number)


def test_waiting_in_line(tmp_path, monkeypatch):
    monkeypatch.setenv("LMLAB_HOME", str(tmp_path))
    service = LocalJobs(1, Limits(running_per_worker=1, jobs_per_owner=3))
    try:
        first, second, third = (service.submit(spec(LONG), ME) for _ in range(3))
        assert service.poll(second, ME).place == 1
        assert service.poll(third, ME).place == 2
        service.command(second, ME, "stop")
        assert service.poll(second, ME).status.state == "failed"
        assert service.poll(third, ME).place == 1
        service.command(first, ME, "stop")
        until(service, third, ME, "running")
    finally:
        service.close()


def test_the_web_process_imports_neither_torch_nor_datasets_nor_sklearn():
    code = (
        "import sys, lmlab.ui.app, lmlab.jobs.local; "
        "print([m for m in ('torch', 'datasets', 'sklearn', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_app_py_is_light_because_workers_import_it_again():
    code = (
        "import sys, runpy; runpy.run_path('app.py', run_name='__mp_main__'); "
        "print('gradio' in sys.modules, 'lmlab' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False False"


def test_paused_trainings_take_no_place_of_the_lab(jobs):
    mine = [jobs.submit(spec(LONG), ME) for _ in range(3)]
    for job in mine:
        jobs.command(job, ME, "pause")
        until(jobs, job, ME, "paused")
    others = [jobs.submit(spec(LONG), OTHER) for _ in range(3)]  # six in all, where four may compute
    assert jobs.poll(others[-1], OTHER).status.state in ("waiting", "running")


def test_a_paused_training_that_nobody_looks_at_makes_room_for_its_owners_next(jobs):
    mine = [jobs.submit(spec(LONG), ME) for _ in range(3)]
    for job in mine:
        jobs.command(job, ME, "step", 20)
        until(jobs, job, ME, "paused", more=lambda snapshot: snapshot.status.step >= 20)
    with pytest.raises(LabError, match="3 trainings under way"):
        jobs.submit(spec(), ME)  # their pages still ask for them
    jobs._records[mine[1]].watched -= 60
    new = jobs.submit(spec(), ME)
    until(jobs, new, ME, "done")
    assert until(jobs, mine[1], ME, "done").status.step >= 20
    assert read_card(find_run(mine[1], ME))["steps"] >= 20
    assert jobs.poll(mine[0], ME).status.state == "paused"


def test_a_training_that_rests_too_long_is_stopped_and_kept_even_if_it_is_watched(jobs):
    job = jobs.submit(spec(LONG), ME)
    jobs.command(job, ME, "pause")
    until(jobs, job, ME, "paused", more=lambda snapshot: jobs._records[job].rested is not None)
    jobs._records[job].rested -= jobs.limits.paused_end
    until(jobs, job, ME, "done")
    assert read_card(find_run(job, ME))["id"] == job


@pytest.mark.parametrize("finished", [False, True])
def test_every_question_about_a_model_can_be_asked_of_a_stored_step(jobs, finished):
    job = jobs.submit(spec(Recipe(steps=60 if finished else 20_000, batch_size=32)), ME)
    if finished:
        snapshot = until(jobs, job, ME, "done")
        assert read_card(find_run(job, ME))["moments"] == of(snapshot, "moment")
    else:
        snapshot = until(jobs, job, ME, "running", more=lambda snapshot: len(of(snapshot, "moment")) > 3)
    steps = of(snapshot, "moment")
    assert steps[0] == 0
    start, later = (
        jobs.call_and_wait(job, ME, "distribution", {"prefix": "a", "step": step})["p"] for step in steps[::3][:2]
    )
    assert start == pytest.approx([1 / 27] * 27)  # nothing learned yet
    assert later != pytest.approx(start, abs=1e-3)
    names = jobs.call_and_wait(job, ME, "probe", {"corpus": "names", "step": 0})["names"]
    probe = of(snapshot, "names")[0]
    assert (names == probe["names"]) == (probe["step"] == 0)  # a short run looks at its end alone
    for step in (7_777, "0", True):
        with pytest.raises(LabError, match=r"not kept|no whole number"):
            jobs.call_and_wait(job, ME, "distribution", {"step": step})
    jobs.command(job, ME, "stop")


def test_hidden_units_that_begin_as_zeros_stay_equal(jobs):
    job = jobs.submit(JobSpec("mlp", {"d_hidden": 16, "init": "zero"}, SHORT), ME)
    until(jobs, job, ME, "done")
    assert jobs.call_and_wait(job, ME, "symmetry", {}) == {"units": 16, "difference": 0.0}
    other = jobs.submit(spec(), ME)
    until(jobs, other, ME, "done")
    assert jobs.call_and_wait(other, ME, "symmetry", {})["difference"] > 0.1
