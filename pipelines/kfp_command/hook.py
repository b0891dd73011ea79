"""Imported by `papergarden_kfp.pth` when Python starts a script named `kfp`."""
