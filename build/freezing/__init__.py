"""How dist/cco is made: secret, generated module, PyInstaller folder, launcher, single file."""
