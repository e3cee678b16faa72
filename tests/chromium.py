"""A headless Chromium as far as a report needs one: open a page, ask it, and hear of every error on it.

It is spoken to in the DevTools protocol over a pipe (its file descriptors 3 and 4): no package is needed.
"""

import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

TIMEOUT = 60


def find_chromium() -> str:
    """The program; without one, skip the test, or fail it where CI promised one."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        reason = "no chromium here; `apt-get install chromium` to test reports in a browser"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    return program


class Page:
    """A page opened from a file, without network."""

    def __init__(self, path: Path, profile: Path, width: int = 1100, height: int = 800):
        program = find_chromium()
        read_commands, self.commands = os.pipe()
        self.answers, write_answers = os.pipe()

        def at_3_and_4() -> None:
            here, there = os.dup(read_commands), os.dup(write_answers)
            os.dup2(here, 3)
            os.dup2(there, 4)

        self.process = subprocess.Popen(
            [
                *(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
                *("--proxy-server=127.0.0.1:9", f"--user-data-dir={profile}"),
                *("--remote-debugging-pipe", "about:blank"),
            ],
            preexec_fn=at_3_and_4,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_commands)
        os.close(write_answers)
        self.sent, self.buffer, self.session, self.events = 0, b"", None, []
        target = next(it for it in self._ask("Target.getTargets")["targetInfos"] if it["type"] == "page")[
            "targetId"
        ]
        self.session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._ask(f"{domain}.enable")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self._ask("Emulation.setDeviceMetricsOverride", **size)
        self._ask("Page.navigate", url=path.resolve().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self._receive())

    def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression on the page."""
        answer = self._ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def errors(self) -> list[dict]:
        """Everything that a user would see in red on the console."""
        return [
            event
            for event in self.events
            if event["method"] in ("Runtime.exceptionThrown", "Network.loadingFailed")
            or (event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] == "error")
            or (event["method"] == "Runtime.consoleAPICalled" and event["params"]["type"] == "error")
        ]

    def requests(self) -> list[str]:
        """What the page loaded, by the beginning of its address."""
        sent = (event for event in self.events if event["method"] == "Network.requestWillBeSent")
        return [event["params"]["request"]["url"].partition(":")[0] for event in sent]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.commands)
        os.close(self.answers)

    def _ask(self, method: str, **parameters: Any) -> dict:
        self.sent += 1
        message = {"id": self.sent, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self.sent:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _receive(self) -> dict:
        deadline = time.monotonic() + TIMEOUT
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.answers], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"chromium said nothing for {TIMEOUT} s"
            self.buffer += os.read(self.answers, 1 << 16)
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)
