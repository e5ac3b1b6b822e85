"""The account that the embedded PostgreSQL runs as when this process is root: PostgreSQL refuses to run as root."""

import os
import pwd
from pathlib import Path
from typing import NamedTuple

# This account exists on every system and owns no files.
UNPRIVILEGED_ACCOUNT = "nobody"


class Account(NamedTuple):
    """A user and its group, as numbers."""

    uid: int
    gid: int


def account_for(cluster: Path) -> Account | None:
    """The owner of `cluster`, or `nobody` if `cluster` does not exist. None if this process is not root."""
    if os.geteuid() != 0:
        return None
    try:
        status = cluster.stat()
    except FileNotFoundError:
        unprivileged = pwd.getpwnam(UNPRIVILEGED_ACCOUNT)
        return Account(unprivileged.pw_uid, unprivileged.pw_gid)
    return Account(status.st_uid, status.st_gid)


def make_private_directory(directory: Path, account: Account | None) -> None:
    """Make `directory` with mode 0700. It belongs to `account`, or to the account of this process if that is None."""
    directory.mkdir(mode=0o700)
    if account:
        os.chown(directory, *account)


def make_reachable(path: Path, account: Account) -> None:
    """Let `account` traverse `path` and the directories above it, without permission to list them."""
    for directory in (path, *path.parents):
        status = directory.stat()
        if status.st_uid != account.uid and not status.st_mode & 0o001:
            directory.chmod(status.st_mode | 0o001)
