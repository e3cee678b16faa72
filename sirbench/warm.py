"""A warm interpreter: all imports are done once a workflow, and each job on this machine is a fork of it.

Starting Python, torch and transformers takes five seconds of a processor: most of a small job.
`start` lets an interpreter import the whole package and wait at a socket. A rule's `python -m sirbench VERB`
(`run_if_warm`) asks it for a fork, hands over its arguments, folder, environment and standard streams, and
waits. Signals go on to the fork and its exit code comes back; if one of the two is killed, so is the other.
Where nobody waits at the socket (in a shell, on a cluster or a GPU), a command imports for itself, as ever.
"""

import ctypes
import gc
import json
import os
import pkgutil
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import zlib
from importlib import import_module
from pathlib import Path
from select import select

VARIABLE = "SIRBENCH_WARM"
"""The environment variable that names the folder of the socket."""
THREADS = ("OMP", "GOTO", "OPENBLAS", "MKL", "VECLIB", "NUMEXPR")
"""What reads a number of threads from the environment when it is imported; Snakemake sets it for each job."""
PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""Signals that a job may catch. Any other kills who waits for the job, and thereby the job."""
PR_SET_PDEATHSIG = 1
"""Of prctl(2): the signal to a process whose parent dies."""


def start(threads: int) -> None:
    """Let an interpreter wait for those jobs that have so many threads; it ends with this process."""
    if not hasattr(os, "pidfd_open"):  # Linux alone has it
        return
    folder = tempfile.mkdtemp(prefix="sirbench-")
    os.environ[VARIABLE] = folder
    numbers = {f"{library}_NUM_THREADS": str(threads) for library in THREADS}
    # tqdm, too, reads these when it is imported; the progress of jobs goes into files.
    progress = {"TQDM_MININTERVAL": "60", "TQDM_MAXINTERVAL": "60"}
    subprocess.Popen(
        [sys.executable, "-m", __name__, folder],
        stdin=subprocess.PIPE,  # closes when this process ends, however it ends
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # what cannot be imported is said in the log of the job that needs it
        env=os.environ | numbers | progress,
        start_new_session=True,  # Ctrl-C is for those who wait for jobs: they pass it on, once
    )


def run_if_warm() -> None:
    """Run this command in a fork of a warm interpreter and exit as it does; return where there is none."""
    waiting = socket.socket(socket.AF_UNIX)
    try:
        waiting.connect(_address(os.environ[VARIABLE]))
    except (KeyError, OSError):
        return
    command = json.dumps([sys.argv, str(Path.cwd()), dict(os.environ)]).encode()
    socket.send_fds(waiting, [len(command).to_bytes(8)], [0, 1, 2])
    waiting.sendall(command)
    for number in PASSED_ON:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda number, _: waiting.sendall(bytes([number])))
    ended = waiting.makefile().read()
    if not ended:
        sys.exit("error: what kept this job was killed, and the job with it")
    code, seconds, megabytes = json.loads(ended)
    print(f"INFO: {seconds:.1f} s of a processor, at most {megabytes:,.0f} MB of memory", file=sys.stderr)
    if code < 0:
        sys.stderr.flush()
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


def _address(folder: str) -> str:
    """The socket of an interpreter that is what this one would become: of equal Python, code and threads."""
    same = [sys.version, sys.prefix, __file__, os.environ.get("OMP_NUM_THREADS")]
    return str(Path(folder, f"{zlib.crc32(json.dumps(same).encode()):08x}"))


def _serve(folder: str) -> bool:
    """Fork for whoever asks: True in the fork, which is to run a command; False when nobody will ask more."""
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)  # for as long as this is no job
    _import_everything()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who keep jobs
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(_address(folder))
        listener.listen(128)
        while sys.stdin not in select([listener, sys.stdin], [], [])[0]:
            waiting, _ = listener.accept()
            with waiting:
                if os.fork() == 0:
                    listener.close()
                    _keep_job(waiting)
                    return True
    shutil.rmtree(folder)
    return False


def _import_everything() -> None:
    gc.disable()  # nothing of it is garbage, and looking for some takes a fifth of the time
    for module in pkgutil.walk_packages([str(Path(__file__).parent)], "sirbench."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    gc.freeze()  # forks share this memory for as long as they do not write to it
    gc.enable()


def _keep_job(waiting: socket.socket) -> None:
    """Fork once more: return in the fork, ready for the command of who waits; see it through, and exit."""
    head, streams, _, _ = socket.recv_fds(waiting, 8, 3)
    command = waiting.recv(int.from_bytes(head), socket.MSG_WAITALL)
    if not command:  # who waited is gone
        os._exit(0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    job = os.fork()
    if job == 0:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        arguments, folder, environment = json.loads(command)
        _become(arguments, folder, environment, streams)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
        return
    ending = os.pidfd_open(job)
    while ending not in select([waiting.fileno(), ending], [], [])[0]:
        asked = waiting.recv(1)
        os.kill(job, asked[0] if asked else signal.SIGKILL)
        if not asked:
            os._exit(0)
    _, status, used = os.wait4(job, 0)
    seconds, megabytes = used.ru_utime + used.ru_stime, used.ru_maxrss / 1e3
    waiting.sendall(json.dumps([os.waitstatus_to_exitcode(status), seconds, megabytes]).encode())
    os._exit(0)


def _become(arguments: list[str], folder: str, environment: dict[str, str], streams: list[int]) -> None:
    """Take the place of who waits, in all that a command can see."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.argv = arguments
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    random.seed()  # names of temporary files shall differ between forks


if __name__ == "__main__" and _serve(sys.argv[1]):
    from sirbench.cli import main

    main()
