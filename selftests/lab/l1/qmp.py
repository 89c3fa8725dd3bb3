"""A guest's VMM, asked over QMP: pause and resume, plug and unplug.

    Monitor(guest).ask("device_del", id="nic")
"""
import json
import socket
import time


class Monitor:
    """One connection; replies come in order, events between them are kept until somebody waits for one."""

    def __init__(self, path, seconds):
        self.seconds, self.events = seconds, []
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(seconds)
        connection.connect(str(path))
        self.stream = connection.makefile("rw")
        self.message()                  # the greeting
        self.ask("qmp_capabilities")

    def message(self):
        line = self.stream.readline()
        if not line:
            raise RuntimeError("the VMM has closed its monitor")
        return json.loads(line)

    def ask(self, command, **arguments):
        """What the command returns; it must succeed."""
        self.stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.stream.flush()
        while "event" in (reply := self.message()):
            self.events.append(reply)
        if "error" in reply:
            raise RuntimeError(f"{command} {arguments}: {reply['error']['desc']}")
        return reply["return"]

    def wait_for(self, event, **data):
        """The next event of this name and with this data, also one that came before."""
        deadline = time.monotonic() + self.seconds
        while time.monotonic() < deadline:
            while self.events:
                found = self.events.pop(0)
                if found["event"] == event and all(found["data"].get(name) == value for name, value in data.items()):
                    return found
            self.events.append(self.message())
        raise TimeoutError(f"no {event} {data} within {self.seconds} s")
