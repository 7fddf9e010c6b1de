"""`labs`, `start`, `check`, `hint`, `show`, `reset`, `submit`, `grade`: the assignments.

Exit codes: 0 all is right, 1 something failed or is not started, 2 the command was not understood, 3 our own fault.
"""

import functools
import json
import os
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec

import typer
from rich.console import Console
from rich.table import Table

from lmlab.cli.shared import Json, print_json, say, spoken, visible
from lmlab.errors import LabError

if TYPE_CHECKING:  # these import numpy, which `--help` can do without
    from lmlab.grading.check import Report
    from lmlab.grading.labs import Lab
    from lmlab.grading.progress import Progress

P = ParamSpec("P")

LabName = Annotated[str, typer.Argument(metavar="LAB", help="Which lab: lab01, lab1 or 1.")]
ExerciseName = Annotated[str, typer.Argument(metavar="EXERCISE", help="The name of the function, or its number.")]
Folder = Annotated[
    Path | None,
    typer.Option("--folder", "-C", metavar="DIR", help="Where your lab.py is; found from here when not given."),
]
Slow = Annotated[float, typer.Option("--slow", metavar="X", help="Give every time limit X times as long.")]
Seed = Annotated[
    int | None, typer.Option("--seed", metavar="K", help="Seed of the random arguments; a new one when not given.")
]


def graded(command: Callable[P, None]) -> Callable[P, None]:
    """As `spoken`, but what nobody foresaw is our own fault and ends with code 3."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except (LabError, OSError, typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if os.environ.get("LMLAB_TRACEBACK"):
                traceback.print_exception(error)
            line = visible(
                f"The lab itself failed ({type(error).__name__}: {error}); this is not your fault. Set "
                "LMLAB_TRACEBACK=1, run the command again and show the result to your teacher."
            )
            typer.echo(f"Error: {line}", err=True)
            if kwargs.get("as_json"):
                print_json({"error": line})
            raise typer.Exit(3) from None

    return spoken(run)


def check_slow(slow: float) -> None:
    """Raise `LabError` where a stretch of the time limits makes no sense."""
    if not 0.1 <= slow <= 100:
        raise LabError(f"--slow is {slow:g}: choose 0.1 to 100.")


def check_seed(seed: int | None) -> None:
    """Raise `LabError` where a seed is none."""
    if seed is not None and not 0 <= seed < 2**63:
        raise LabError(f"The seed is {seed}: choose 0 or a positive whole number.")


@graded
def labs_command(
    action: Annotated[
        str | None, typer.Argument(metavar="[gradescope-zip]", help="Make a zip for Gradescope instead of a list.")
    ] = None,
    lab: Annotated[str | None, typer.Argument(metavar="[LAB]", help="The lab that the zip grades.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the zip goes; labNN-gradescope.zip.")
    ] = None,
    seed: Seed = None,
    extra: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A Python file with further EXERCISES for the zip.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the labs with their points and how far you are, or make the zip for Gradescope: labs gradescope-zip lab01.

    `points` are those of your last check in the folder that start made here; null where there is none. `out` and
    `bytes` are those of the zip, whose lab is then the only one in `labs`.

    \b
    JSON:
      labs[].{id,title,summary}     string
      labs[].minutes                integer
      labs[].max_points             number
      labs[].points                 number | null
      labs[].exercises[].{name,number,status}   string
      out                           string | null
      bytes                         integer | null
    """
    from lmlab.grading.labs import all_labs, find_lab
    from lmlab.grading.progress import load

    if action is not None:
        if action != "gradescope-zip" or lab is None:
            raise LabError("Write labs for the list, or labs gradescope-zip lab01 for a zip.")
        check_seed(seed)
        from lmlab.grading.package import gradescope_zip

        found = find_lab(lab)
        place = out or Path(f"{found.id}-gradescope.zip")
        size = gradescope_zip(found, place, seed=seed, extra=extra)
        if as_json:
            print_json({"labs": [lab_json(found, None)], "out": os.path.abspath(place), "bytes": size})
            return
        say(Console(), f"Saved in {os.path.abspath(place)} ({size / 1e6:.1f} MB). Upload it as the autograder.")
        return
    rows = []
    for one in all_labs():
        kept = (load(folder, one.id) for folder in (Path.cwd(), Path.cwd() / one.folder.name))
        rows.append((one, next((progress for progress in kept if progress.exercises), None)))
    if as_json:
        print_json({"labs": [lab_json(one, progress) for one, progress in rows], "out": None, "bytes": None})
        return
    table = Table(box=None)
    for column, justify in (("lab", "left"), ("title", "left"), ("minutes", "right"), ("points", "right")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]  # rich's Literal
    for one, progress in rows:
        reached = "–" if progress is None else f"{progress.points:g}"
        table.add_row(one.id, one.title, str(one.minutes), f"{reached} of {one.points:g}")
    console = Console()
    console.print(table)
    begun = next((one for one, progress in rows if progress is not None and progress.points < one.points), None)
    fresh = next((one for one, progress in rows if progress is None), None)
    if begun is not None:
        say(console, f"Go on with: python -m lmlab check {begun.id}")
    elif fresh is not None:
        say(console, f"Begin one with: python -m lmlab start {fresh.id}")


def lab_json(lab: "Lab", progress: "Progress | None") -> dict[str, Any]:
    """A lab and how far somebody is in it."""
    from lmlab.grading.progress import Entry

    states = {} if progress is None else progress.exercises
    return {
        "id": lab.id,
        "title": lab.title,
        "summary": lab.summary,
        "minutes": lab.minutes,
        "max_points": lab.points,
        "points": None if progress is None else progress.points,
        "exercises": [
            {"name": text.name, "number": text.number, "status": states.get(text.name, Entry()).status}
            for text in lab.exercises
        ],
    }


@graded
def start_command(
    lab: LabName,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Where it goes; a folder of the lab's name when not given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Copy a lab into a folder of yours. Your lab.py is never overwritten: the stub then becomes lab.new.py.

    \b
    JSON:
      {lab,folder,file}   string
      written[]           string
    """
    from lmlab.grading.labs import find_lab
    from lmlab.grading.student import FILE, start

    found = find_lab(lab)
    place = folder or Path(found.folder.name)
    file, written = start(found, place)
    if as_json:
        folder_name, file_name = os.path.abspath(place), os.path.abspath(file)
        print_json({"lab": found.id, "folder": folder_name, "file": file_name, "written": written})
        return
    console = Console()
    say(console, f"Lab {found.number:02}: {found.title} ({found.points:g} points, about {found.minutes} minutes)")
    if file.name != FILE:
        say(console, f"Your {place / FILE} is as it was; the fresh stub is in {file}.")
    own = "" if place.name in (found.folder.name, found.id) and place.parent == Path() else f' --folder "{place}"'
    say(
        console,
        f"Read {place / 'README.md'}, write {place / FILE}, and check it with: python -m lmlab check {found.id}{own}",
    )


@graded
def check_command(
    lab: LabName,
    what: Annotated[
        list[str] | None,
        typer.Argument(metavar="[EXERCISE]...", help="Check these alone, by name or number; experiment is the last."),
    ] = None,
    folder: Folder = None,
    watch: Annotated[bool, typer.Option("--watch", help="Check again whenever you save, until Ctrl-C.")] = False,
    again: Annotated[bool, typer.Option("--all", help="Check also what has not changed.")] = False,
    slow: Slow = 1.0,
    seed: Seed = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print one JSON object as the last line on stdout; with --json F.json write it there."
        ),
    ] = False,
) -> None:
    """Check your lab.py. Only what changed since the last check is checked again.

    Fresh random arguments are drawn each time. What is printed is one line an exercise, or one for each of its parts
    that failed. The JSON is what Gradescope reads; `tests[].output` is the sentence, and `leaderboard` is there once
    the experiment was measured.

    \b
    JSON:
      {score,execution_time}              number
      {output,output_format,test_output_format,stdout_visibility,visibility}   string
      tests[].{number,name,status,output,visibility}   string
      tests[].{score,max_score}           number
      tests[].tags[]                      string
      tests[].extra_data.{status,kind}    string
      leaderboard[].{name,order}          string
      leaderboard[].value                 number
      extra_data.{lab,title,version}      string
      extra_data.seed                     integer
    """
    from lmlab.grading import gradescope
    from lmlab.grading.experiment import WEIGHTS
    from lmlab.grading.labs import find_lab
    from lmlab.grading.progress import check_changed, load, write_whole
    from lmlab.grading.student import find, read
    from lmlab.grading.watch import changes

    check_slow(slow)
    check_seed(seed)
    found = find_lab(lab)
    names = list(what or [])
    # `--json results.json`: a file's name after the option is no exercise.
    out = next((Path(name) for name in names if as_json and name.endswith(".json")), None)
    names = [name for name in names if out is None or name != str(out)]
    names = [found.name_of(name) for name in names]
    place = find(found, folder)
    console = Console()

    def once(again: bool) -> bool:
        work = read(place)
        begin = time.perf_counter()
        report, fresh = check_changed(
            found, place, work.source, work.weights, only=names or None, again=again, seed=seed, slow=slow
        )
        data = gradescope.results(found, report)
        if out is not None:
            write_whole(Path(os.path.abspath(out)), json.dumps(data, indent=1))
        if as_json and out is None:
            print_json(data)
            return report.passed
        for line in lines_of(found, report, fresh):
            say(console, line)
        if report.log:
            say(console, "Your code printed:")
            for line in report.log.splitlines()[:20]:
                say(console, f"  {line}")
        if work.weights is None and place != Path.cwd() and (Path.cwd() / WEIGHTS).is_file():
            say(console, f"There is a {WEIGHTS} here, but it belongs beside lab.py: move it to {place}.")
        reached = f"{report.points:g} of {report.max_points:g} points"
        revealed = load(place, found.id).revealed
        seen = sum(result.points for result in report.results if result.exercise in revealed)
        reached += f" ({seen:g} of them after the answer was shown)" if seen else ""
        say(console, f"{reached}, in {time.perf_counter() - begin:.1f} s. {advice(found, report)}".rstrip())
        return report.passed

    if watch:
        try:
            first = True
            for _ in changes([place / "lab.py", place / WEIGHTS]):
                if not first:
                    console.rule(time.strftime("%H:%M:%S"))
                try:
                    once(again and first)
                except LabError as error:  # a file that was saved halfway, say
                    say(console, str(error))
                first = False
        except KeyboardInterrupt:
            return
    passed = once(again or bool(names) or seed is not None)
    if not passed:
        raise typer.Exit(1)


def lines_of(lab: "Lab", report: "Report", fresh: Iterable[str]) -> list[str]:
    """What a report says, line by line: one for an exercise that passed, one for each item that did not.

    A sentence that all items of an exercise share is said once, and a file that cannot be loaded is one line.
    """
    fresh = set(fresh)
    if report.results and all(result.kind == "loading" for result in report.results):
        return [f"failed {report.results[0].sentence}"]
    lines = []
    for name in dict.fromkeys(result.exercise for result in report.results):
        results = report.of(name)
        status = report.status_of(name)
        old = "" if name in fresh else " (unchanged)"
        title = f"{results[0].number} {name}".strip()
        if status == "passed":
            loss = f", {report.loss:.4f} nats per character" if name == "experiment" and report.loss else ""
            lines.append(f"passed {title}{loss}{old}")
        elif status == "not started":
            lines.append(f"not started {title}{old}")
        elif len({result.sentence for result in results}) == 1:
            lines.append(f"failed {title} | {results[0].sentence}{old}")
        else:
            failed = [result for result in results if result.status != "passed"]
            lines += [f"failed {title} {result.item} | {result.sentence}{old}" for result in failed]
    return lines


def advice(lab: "Lab", report: "Report") -> str:
    """What to do next."""
    if report.passed:
        own = {text.name for text in lab.exercises} <= {result.exercise for result in report.results}
        return f"All is right. Hand it in with: python -m lmlab submit {lab.id}" if own else "All is right."
    if report.results[0].kind == "loading":
        return "Mend that first."
    names = {text.name for text in lab.exercises}
    stuck = [result.exercise for result in report.results if result.status == "failed" and result.exercise in names]
    return f"A hint: python -m lmlab hint {lab.id} {stuck[0]}" if stuck else ""


@graded
def hint_command(lab: LabName, exercise: ExerciseName, folder: Folder = None, as_json: Json = False) -> None:
    """Show the next of three hints: the idea, the way, nearly the line. Hints cost nothing.

    \b
    JSON:
      {lab,exercise}   string
      hints[]          string
      left             integer
    """
    from lmlab.grading.labs import HINTS, find_lab
    from lmlab.grading.progress import load, save
    from lmlab.grading.student import find

    found = find_lab(lab)
    exercise = found.name_of(exercise)
    text = found.text_of(exercise)
    place = find(found, folder)
    progress = load(place, found.id)
    entry = progress.of(exercise)
    entry.hints = min(entry.hints + 1, HINTS)
    save(place, progress)
    shown = text.hints[: entry.hints]
    left = HINTS - entry.hints
    if as_json:
        print_json({"lab": found.id, "exercise": exercise, "hints": list(shown), "left": left})
        return
    console = Console()
    for number, one in enumerate(shown, start=1):
        say(console, f"Hint {number} of {HINTS}: {one}")
    if not left:
        say(console, f"That was the last one. The answer: python -m lmlab show {found.id} {exercise}")


@graded
def show_command(
    lab: LabName,
    exercise: ExerciseName,
    give_up: Annotated[bool, typer.Option("--give-up", help="Show it before three attempts were made.")] = False,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Show the answer after three attempts, or with --give-up. The exercise then has no points on your machine.

    \b
    JSON:
      {lab,exercise,answer}   string
      attempts                integer
    """
    from lmlab.grading.labs import find_lab
    from lmlab.grading.progress import ATTEMPTS, load, save
    from lmlab.grading.reference import reference
    from lmlab.grading.student import find

    found = find_lab(lab)
    exercise = found.name_of(exercise)
    found.text_of(exercise)
    place = find(found, folder)
    progress = load(place, found.id)
    entry = progress.of(exercise)
    if not (give_up or entry.revealed or entry.status == "passed" or entry.attempts >= ATTEMPTS):
        raise LabError(
            f"You have tried {exercise} {entry.attempts} of {ATTEMPTS} times. Try again, ask for a hint, or add "
            "--give-up."
        )
    if entry.status != "passed":  # who has solved it may compare
        entry.revealed = True
        save(place, progress)
    (answer,) = [reference(found, one) for one in found.checked if one.name == exercise]
    if as_json:
        print_json({"lab": found.id, "exercise": exercise, "answer": answer, "attempts": entry.attempts})
        return
    typer.echo(answer)
    if entry.revealed:
        say(Console(stderr=True), f"In your own list of labs, {exercise} counts no points from now on.")


@graded
def reset_command(lab: LabName, exercise: ExerciseName, folder: Folder = None, as_json: Json = False) -> None:
    """Put the stub of one function back into your lab.py. The file as it was is kept in .lmlab beside it.

    \b
    JSON:
      {lab,exercise,kept}   string
    """
    from lmlab.grading.labs import EXPERIMENT, find_lab
    from lmlab.grading.progress import load, save, write_whole
    from lmlab.grading.student import find, read, reset

    found = find_lab(lab)
    exercise = found.name_of(exercise)
    function = "predict" if exercise == EXPERIMENT else exercise
    work = read(find(found, folder))
    text = reset(work.source, found.stub, function)
    kept = work.folder / ".lmlab" / time.strftime("lab-%Y%m%d-%H%M%S.py")
    write_whole(kept, work.source)
    write_whole(work.file, text)
    progress = load(work.folder, found.id)
    entry = progress.of(exercise)
    entry.results, entry.fingerprint, entry.attempts = [], "", 0
    save(work.folder, progress)
    if as_json:
        print_json({"lab": found.id, "exercise": exercise, "kept": os.path.abspath(kept)})
        return
    say(Console(), f"{function} is as it was at the beginning. Your file as it was a moment ago: {kept}")


@graded
def submit_command(
    lab: LabName,
    folder: Folder = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where the zip goes; beside lab.py.")] = None,
    slow: Slow = 1.0,
    as_json: Json = False,
) -> None:
    """Check everything once more and pack what is handed in: lab.py, the weights, results.json.

    \b
    JSON:
      out                  string
      files[]              string
      {score,max_score}    number
    """
    from lmlab.grading.labs import find_lab
    from lmlab.grading.package import submission_zip
    from lmlab.grading.progress import check_changed
    from lmlab.grading.student import find, read

    check_slow(slow)
    found = find_lab(lab)
    place = find(found, folder)
    work = read(place)
    report, _ = check_changed(found, place, work.source, work.weights, again=True, slow=slow)
    target = out or place / f"{found.id}-submission.zip"
    files = submission_zip(found, work, report, target)
    if as_json:
        print_json(
            {
                "out": os.path.abspath(target),
                "files": files,
                "score": report.points,
                "max_score": report.max_points,
            }
        )
        return
    console = Console()
    for line in lines_of(found, report, [result.exercise for result in report.results]):
        say(console, line)
    say(console, f"{report.points:g} of {report.max_points:g} points. Hand in {os.path.abspath(target)}")


@graded
def grade_command(
    submission: Annotated[
        Path, typer.Argument(metavar="DIR", help="One submission (a folder or zip), or a folder of them.")
    ],
    lab: Annotated[str, typer.Option(metavar="LAB", help="Which lab: lab01, lab1 or 1.")],
    out: Annotated[
        Path | None, typer.Option(metavar="PATH", help="results.json of one submission, or a folder for a class.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="K", help="Your private seed: the same arguments for everybody.")
    ] = None,
    extra: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A Python file of yours with further EXERCISES.")
    ] = None,
    slow: Slow = 1.0,
    workers: Annotated[int | None, typer.Option(metavar="N", help="Submissions at a time; one a core.")] = None,
    user: Annotated[
        str | None, typer.Option(metavar="NAME", help="Run student code as this user (needs root, on Linux).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Grade one submission, or a class: results.json each, grades.csv, and what most of them got wrong.

    Of one submission the exit code is 1 unless everything passed; of a class it is 0.

    \b
    JSON:
      lab                          string
      seed                         integer
      out                          string
      submissions[].{name,remark}  string
      submissions[].{score,max_score,seconds}   number
      submissions[].loss           number | null
      mistakes[].{exercise,sentence}   string
      mistakes[].students          integer
    """
    from lmlab.grading.classroom import grade, is_single, load_extra
    from lmlab.grading.labs import find_lab

    check_slow(slow)
    check_seed(seed)
    found = find_lab(lab)
    extras = load_extra(extra, found) if extra is not None else ()
    single = is_single(submission)
    target = out or Path("results.json" if single else f"{found.id}-grades")
    console = Console(stderr=True)
    graded_class = grade(
        found,
        submission,
        target,
        seed=seed,
        extra=extras,
        slow=slow,
        workers=workers,
        prefix=("runuser", "-u", user, "--") if user else (),
        done=lambda name: None if single else say(console, f"graded {name}"),
    )
    if as_json:
        print_json(graded_class.to_json(os.path.abspath(target)))
    else:
        console = Console()
        for line in graded_class.lines():
            say(console, line)
        say(console, f"Saved in {os.path.abspath(target)}")
    if single and not graded_class.all_passed:
        raise typer.Exit(1)
