"""HOW A RELEASE IS FETCHED: EmotionTalk from the Hub into its cache, M3ED from its authors' repository.

release    the folder that a load asks for: on this machine, else fetched
places     where downloads lie, and which is taken; asks no network
plan       what is to be fetched, how large it is, whether there is room
transfer   the files, each taken up where it was broken off, its SHA-256 compared
growing    a file that is being fetched, by one process at a time
emotalk    EmotionTalk, by these
m3ed, git  M3ED, by `git clone`
"""
