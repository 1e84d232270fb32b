"""A git repository on disk, as the authors of M3ED have theirs elsewhere."""

from __future__ import annotations

import subprocess
from pathlib import Path

__all__ = ["commit_all", "init", "run_git"]


def run_git(folder: Path, *words: str) -> str:
    """Run git in a folder and return what it printed."""
    who = ["-c", "user.name=Authors", "-c", "user.email=authors@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", "-C", folder, *who, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def init(folder: Path) -> str:
    """Make a folder with what is in it a repository with one commit."""
    run_git(folder, "init", "-q")
    return commit_all(folder, "Release")


def commit_all(folder: Path, title: str) -> str:
    """Commit what is in the folder and return the commit."""
    run_git(folder, "add", "-A")
    run_git(folder, "commit", "-q", "-m", title)
    return run_git(folder, "rev-parse", "HEAD")
