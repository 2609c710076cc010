"""The course as a JupyterLite site: JupyterLab whose Python, Pyodide, runs in the reader's browser, without PyTorch."""
