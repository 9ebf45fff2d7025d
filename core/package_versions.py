"""Versions of the software that a result depends on."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib import metadata


def collect_package_versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of Python and of installed packages.

    Parameters
    ----------
    packages : iterable of str
        Names of installed packages, as pip knows them.

    Returns
    -------
    dict of str to str
        Version by package, and the version of Python under "python".

    Examples
    --------
    >>> sorted(collect_package_versions(["numpy"]))
    ['numpy', 'python']
    """
    return {
        "python": platform.python_version(),
        **{package: metadata.version(package) for package in packages},
    }
