"""Child processes that never outlive the runner."""
import ctypes
import signal
import subprocess

PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


def start(argv, log):
    """Start argv without stdin and with its output in the file `log`. The kernel kills it if the runner dies."""
    with open(log, "ab") as out:
        return subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))


def end(child, patience=3):
    """End one child: SIGTERM first, then SIGKILL."""
    if child is None or child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(patience)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
