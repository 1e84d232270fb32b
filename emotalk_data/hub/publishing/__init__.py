"""PUBLISHING: a staging folder becomes a repository that plain `datasets` opens, never a half of one.

publish       what `emotalk_data.publish` calls: stage, judge, one commit, verify, reload, tag
make_public   what `emotalk_data.make_public` calls: the guard once more, of what lies in the repository
options       what was asked for, checked before anything is done
rights        whether the token may write there, before staging costs time
repository    one repository on the Hub, asked through `hub_call`
staging_place the folder where staging happens, and what killed runs left
fingerprints  size, SHA-256 and git's own digest of each file
commit        all that differs, in one commit
verify        what lies on the Hub is what was sent
reload        a row of each config and split, by plain `datasets` in a process of its own
reload_child  that process: it imports nothing of this package
tagging       a name for the commit, which never moves
history       whether older commits hold what the guard has not seen
outcome       what came of it, as a value and as text
bars          the client's progress bars, which obey `datasets.disable_progress_bars()`
"""
