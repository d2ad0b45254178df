"""The app on a run that somebody else trains: it shows it, steers it, leaves it and comes back."""

import os
import shutil
from pathlib import Path

import pytest
import torch
from runs_on_disk import attached, here, told, trainer, wait
from workbench import ENDLESS, QUICK, workbench

from model.corpus import Corpus, parse
from model.draws import Draws
from model.runs import Run, default_root
from model.sampling import sample
from model.session import Phase
from model.training_session import TrainingSession
from tui import settings
from tui.screens.recipe_form import RecipeForm

WIDE = (160, 40)
OTHER = parse(b"one\ntwo\nthree\n", "numbers.txt")


# What is shown


async def test_all_panes_follow_a_run_that_another_trains():
    recipe = ENDLESS.with_(n=3)
    with trainer(OTHER, recipe) as (session, run):
        async with workbench(run=run, size=WIDE) as bench:
            await attached(bench)
            assert bench.app.corpus == OTHER
            assert bench.app.recipe == recipe
            assert bench.app.counts is not None
            assert bench.app.counts.ngrams.n == 3
            title = bench.shown("#training").splitlines()[0]
            assert run.name in title
            assert f"process {os.getpid()}" in title
            step = session.snapshot.step
            await bench.steps(step + 100)
            await bench.until(lambda: bench.app.look and bench.app.look.step > step, "a look")
            assert settings.load()[0].recipe == QUICK


async def test_the_whole_curve_is_there_on_attaching(corpus: Corpus):
    with trainer(corpus, QUICK.with_(steps=1000), speed=None) as (session, run):
        wait(lambda: session.snapshot.step > 300)
        session.pause()
        wait(lambda: session.snapshot.phase is Phase.PAUSED)
        async with workbench(run=run, size=WIDE) as bench:
            await attached(bench)
            await bench.until(lambda: bench.app.snapshot.step == session.snapshot.step)
            step = session.snapshot.step
            losses, own = bench.app.snapshot.losses, session.snapshot.losses
            assert losses is not None
            assert own is not None
            assert torch.equal(losses[:step], own[:step])
            chart = bench.shown("#loss")
            assert any("\u2801" <= character <= "\u28ff" for character in chart)
            log = bench.shown("#log")
            for report in session.snapshot.reports:
                assert f"{report.loss:.4f}" in log


async def test_the_words_are_those_of_the_trainers_network(corpus: Corpus):
    with trainer(corpus) as (session, run):
        session.pause()
        wait(lambda: session.snapshot.phase is Phase.PAUSED)
        async with workbench(run=run) as bench:
            await attached(bench)
            await bench.press("3", "c")
            pane = bench.app.query_one("#generator")
            await bench.until(lambda: pane.drawing, "words")
            theirs = sample(session.trained().result().network, Draws(count=20))
            ours = pane.drawing.samples["network"]
            assert [word.word for word in ours] == [word.word for word in theirs]


async def test_looking_at_a_run_does_not_change_its_pace(corpus: Corpus):
    with trainer(corpus, speed=77.0) as (session, run):
        async with workbench(run=run) as bench:
            await attached(bench)
            await bench.until(lambda: bench.app.pace == 77)
            assert not bench.app.full_speed
            assert session.speed == 77
            session.set_speed(None)
            await bench.until(lambda: bench.app.full_speed)
            assert session.speed is None
            await bench.press("f")
            await bench.until(lambda: session.speed == 77)
            await bench.press("+")
            await bench.until(lambda: session.speed == 100)
            await bench.press("-", "-")
            await bench.until(lambda: session.speed == 10)


# Steering


async def test_the_keys_steer_the_other_trainer(corpus: Corpus):
    with trainer(corpus) as (session, run):
        async with workbench(run=run) as bench:
            await attached(bench)
            await bench.press("space")
            await bench.until(lambda: session.snapshot.phase is Phase.PAUSED)
            await bench.phase(Phase.PAUSED)
            step = session.snapshot.step
            await bench.press("s")
            await bench.until(lambda: bench.app.snapshot.step == step + 1)
            assert session.snapshot.step == step + 1
            await bench.press("space")
            await bench.until(lambda: session.snapshot.phase is Phase.RUNNING)
            await bench.phase(Phase.RUNNING)
            await bench.press("x")
            await bench.until(lambda: session.snapshot.phase is Phase.STOPPED)


async def test_a_learning_rate_is_changed_while_the_run_goes_on(corpus: Corpus):
    with trainer(corpus) as (session, run):
        async with workbench(run=run) as bench:
            await attached(bench)
            await bench.press("e")
            await bench.screen(RecipeForm)
            await bench.fill("#learning_rate", "0.125")
            await bench.press("enter")
            await bench.until(lambda: session.snapshot.recipe.learning_rate == 0.125)
            assert session.snapshot.phase is Phase.RUNNING
            assert told(bench, "lr 0.125")
            await bench.until(lambda: bench.app.snapshot.recipe.learning_rate == 0.125)
            assert bench.app.recipe.learning_rate == 0.125
            session.adjust(ENDLESS.with_(learning_rate=0.5, l2=0.25))  # as another viewer may
            await bench.until(lambda: bench.app.recipe.l2 == 0.25)
            assert bench.app.recipe.learning_rate == 0.5
            assert session.snapshot.phase is Phase.RUNNING


async def test_two_apps_on_one_run(words_file: Path):
    async with workbench(words_file, recipe=ENDLESS) as writer:
        await writer.press("space")
        await writer.steps(1)
        folder = writer.app.session.snapshot.folder
        assert folder is not None
        async with workbench(run=Run.open(folder), recipe=None) as watcher:
            await attached(watcher)
            step = writer.app.session.snapshot.step
            await watcher.steps(step + 1)
            await watcher.press("space")
            await watcher.until(lambda: writer.app.session.snapshot.phase is Phase.PAUSED)
            await watcher.phase(Phase.PAUSED)
        assert writer.app.session.snapshot.phase is Phase.PAUSED


# Leaving


@pytest.mark.parametrize("way", ["order", "corpus", "reset"])
async def test_a_run_that_is_left_goes_on(way: str, corpus: Corpus, words_file: Path):
    with trainer(corpus) as (session, run):
        async with workbench(run=run) as bench:
            await attached(bench)
            if way == "corpus":
                words_file.write_text("other\n")
                bench.app.open_corpus(str(words_file))
            else:
                await bench.press("]" if way == "order" else "r")
            await here(bench)
            assert told(bench, f"{run.name} goes on in process {os.getpid()}")
            step = session.snapshot.step
            wait(lambda: session.snapshot.step > step)
            assert session.snapshot.phase is Phase.RUNNING
            await bench.counted()
            await bench.press("space")
            await bench.until(lambda: bench.app.local.snapshot.step > 0)
            assert bench.app.local.snapshot.folder != run.folder
            assert session.snapshot.phase is Phase.RUNNING
        step = session.snapshot.step
        wait(lambda: session.snapshot.step > step)


async def test_an_app_that_ends_leaves_the_run_alone(corpus: Corpus):
    with trainer(corpus) as (session, run):
        async with workbench(run=run) as bench:
            await attached(bench)
        step = session.snapshot.step
        wait(lambda: session.snapshot.step > step)
        said = bench.app.farewell()
        assert f"{run.name} goes on in process {os.getpid()}" in said
        assert f"makemore-tui --run {run.id}" in said


async def test_a_run_that_is_finished_elsewhere_is_shown_here(corpus: Corpus):
    with trainer(corpus, QUICK, speed=10) as (session, run):
        async with workbench(run=run) as bench:
            await attached(bench)
            await bench.press("f")
            await bench.until(lambda: session.snapshot.phase is Phase.FINISHED)
            session.close()
            await here(bench)
            await bench.phase(Phase.FINISHED)
            assert bench.app.session.trained().result().step == 101


async def test_a_run_that_its_app_drops_can_be_gone_on_with_here(corpus: Corpus):
    with trainer(corpus) as (session, run):
        async with workbench(run=run) as bench:
            await attached(bench)
            await bench.press("x")
            await bench.until(lambda: session.snapshot.phase is Phase.STOPPED)
            session.close()
            await here(bench)
            await bench.phase(Phase.PAUSED)
            assert told(bench, "was stopped")
            step = bench.app.session.snapshot.step
            assert step == session.snapshot.step
            await bench.press("space")
            await bench.steps(step + 1)


async def test_a_run_that_changes_hands_is_followed(corpus: Corpus):
    with trainer(corpus) as (session, run):
        async with workbench(run=run) as bench:
            await attached(bench)
            first = bench.app.session
            session.clear()
            session.trained().result()
            second = TrainingSession(1000, runs=default_root())
            try:
                second.restore(run, corpus, paused=False)
                await bench.until(lambda: bench.app.session not in (first, bench.app.local))
                await bench.phase(Phase.RUNNING)
                step = second.snapshot.step
                await bench.steps(step + 1)
            finally:
                second.close()
                second.join()


async def test_a_run_whose_folder_is_gone_is_left(corpus: Corpus):
    with trainer(corpus) as (session, run):
        async with workbench(run=run, size=WIDE) as bench:
            await attached(bench)
            shutil.rmtree(run.folder)
            await bench.until(lambda: session.snapshot.phase is Phase.STOPPED)
            await here(bench)
            await bench.phase(Phase.IDLE)
            assert told(bench, "holds no run")
            await bench.press("space")
            await bench.steps(1)
