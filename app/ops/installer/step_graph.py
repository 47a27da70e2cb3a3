"""Runs steps that depend on each other, side by side where they do not."""

import concurrent.futures
from typing import Callable, Dict, List, NamedTuple, Sequence, Set

from app.ops.installer.console import Console, Failed


class InstallStep(NamedTuple):
    """Something to be done once. `needed` says whether it is still to do; it is asked when its turn comes."""

    name: str
    title: str
    after: Sequence[str]
    needed: Callable[[], bool]
    work: Callable[[], None]


def run(steps: Sequence[InstallStep], console: Console, workers: int = 3) -> bool:
    """Carry out the steps; returns whether there was anything to do.

    Raises:
        Failed: the first failure; steps that run then are ended, and no further one begins.
    """
    done: Set[str] = set()
    waiting: List[InstallStep] = list(steps)
    running: Dict["concurrent.futures.Future[None]", InstallStep] = {}
    worked = False
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        try:
            while waiting or running:
                able = [step for step in waiting if done.issuperset(step.after)]
                if not able and not running:
                    raise Failed(
                        f"The steps {[step.name for step in waiting]} wait for steps that are not there."
                    )
                for step in able:
                    if not step.needed():
                        waiting.remove(step)
                        done.add(step.name)
                        continue
                    if len(running) < workers:
                        waiting.remove(step)
                        worked = True
                        console.begin(step.title)
                        running[pool.submit(step.work)] = step
                if not running:
                    continue
                finished, _ = concurrent.futures.wait(
                    running, timeout=5, return_when=concurrent.futures.FIRST_COMPLETED
                )
                for future in finished:
                    step = running.pop(future)
                    future.result()
                    console.done(step.title)
                    done.add(step.name)
                console.heartbeat()
        except (Failed, KeyboardInterrupt):
            console.stop()
            raise
    return worked
