"""The paths that are compared: each makes the two NICs of one path, for guests 1 and 2. Imported inside L1."""
import subprocess

import fabric
import vm


def address(path_index, host):
    return f"10.0.{path_index}.{host}"


def mac(path_index, host):
    return f"52:54:00:00:{path_index:02x}:{host:02x}"


def setup_bridge(index, device):
    """vhost-net and a Linux bridge: the baseline."""
    subprocess.run(["modprobe", "-a", "tun", "vhost_net", "bridge"], check=True)
    bridge = vm.make_bridge(f"br{index}")
    return [vm.tap(mac(index, host), address(index, host) + "/24", vm.make_tap(f"tap{index}-{host}", bridge),
                   device=device) for host in (1, 2)]


def setup_fabric(index, device):
    """Two ports of a fabric of queztl.ko."""
    fabric.load()
    fabric.add(f"bench{index}")
    return [vm.vdpa(mac(index, host), address(index, host) + "/24",
                    fabric.add_port(f"bench{index}", f"p{index}-{host}", mac(index, host)), device)
            for host in (1, 2)]


SETUP = {"bridge": setup_bridge, "fabric": setup_fabric}
