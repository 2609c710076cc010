"""A hub for trying out a class on this machine before moving to a real server: see README.md beside this file.

It listens only on 127.0.0.1, and all learners' programs run under the account that starts it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

c = get_config()  # noqa: F821 - JupyterHub hands it in

HERE = Path(__file__).resolve().parent
FOLDER = Path(os.environ.get("COURSE_HUB_FOLDER") or HERE / "class").resolve()

password = os.environ.get("COURSE_HUB_PASSWORD", "")
if len(password) < 8:
    sys.exit("COURSE_HUB_PASSWORD must hold the class's password, at least 8 characters: set it and start again.")

# Who may log in. A shared password proves nobody's name: a real class needs another authenticator (values.yaml).
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = password
c.Authenticator.allow_all = True
c.Authenticator.username_pattern = r"[a-z0-9][a-z0-9_-]{0,31}\Z"  # a name becomes the name of a folder

# The address on which it listens.
c.JupyterHub.bind_url = "http://127.0.0.1:8000"
proxy = HERE / "node_modules" / ".bin" / "configurable-http-proxy"
c.ConfigurableHTTPProxy.command = [str(proxy) if proxy.exists() else proxy.name]

# What it stores, all in one folder; a learner's home folder holds notebooks and progress.
FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
c.JupyterHub.db_url = f"sqlite:///{FOLDER / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(FOLDER / "jupyterhub_cookie_secret")
c.ConfigurableHTTPProxy.pid_file = str(FOLDER / "proxy.pid")

# A learner's server.
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = str(FOLDER / "learners" / "{username}")
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root"] if os.geteuid() == 0 else []
c.Spawner.default_url = "/lab/tree/notebooks/00_start_here.ipynb"
c.Spawner.environment = {
    "JUPYTER_CONFIG_PATH": str(HERE / "server"),
    "JUPYTER_PREFER_ENV_PATH": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}
c.Spawner.start_timeout = c.Spawner.http_timeout = 300  # a whole class starts in the same minute

# An idle server is stopped after an hour, since its memory is needed by others. The learner's work is on disk.
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["idle-culler"],
    }
]
c.JupyterHub.services = [
    {"name": "idle-culler", "command": [sys.executable, "-m", "jupyterhub_idle_culler", "--timeout=3600"]}
]
