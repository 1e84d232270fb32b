"""HOW A RELEASE IS READ: directories and archives to records, and a report of every problem.

listing           which files there are, and a digest of them
emotalk_files     the full outer join of EmotionTalk's files by utterance
emotalk_index     trees, tars and zips into that join
emotalk           records of one utterance, read and checked
m3ed_files, m3ed  the same for M3ED
report            problems and counts: every record is a row, or a line in the report
validate          a whole release, problems only
"""
