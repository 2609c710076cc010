"""The settings of a learner's server: every Jupyter server started with JUPYTER_CONFIG_PATH=hub/server reads them."""

from __future__ import annotations

from pathlib import Path

from helpers.course import notebooks
from helpers.server import give_notebooks

c = get_config()  # noqa: F821 - Jupyter hands it in

give_notebooks(notebooks().values(), Path.home() / "notebooks")
c.ServerApp.root_dir = str(Path.home())

c.ServerApp.kernel_websocket_connection_class = "helpers.server.PromptConnection"
c.ServerApp.kernel_manager_class = "helpers.server.LimitedKernels"

# Closing a notebook leaves its kernel running, so twelve lessons would leave twelve. Kernels of open notebooks stay.
c.MappingKernelManager.cull_idle_timeout = 20 * 60
c.MappingKernelManager.cull_interval = 60

c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"
