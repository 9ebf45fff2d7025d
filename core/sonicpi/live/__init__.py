"""The Sonic Pi that runs on this machine: play a program in it, and follow its workspaces."""

from core.sonicpi.live.play_and_stop import play_in_sonic_pi, stop_sonic_pi
from core.sonicpi.live.running_sonic_pi_server import RunningServer, find_running_server
from core.sonicpi.live.saved_workspace_watcher import SavedWorkspacesWatcher, get_workspace_path
from core.sonicpi.live.source_file_watcher import SourceChange, SourceFileWatcher

__all__ = [
    "RunningServer",
    "SavedWorkspacesWatcher",
    "SourceChange",
    "SourceFileWatcher",
    "find_running_server",
    "get_workspace_path",
    "play_in_sonic_pi",
    "stop_sonic_pi",
]
