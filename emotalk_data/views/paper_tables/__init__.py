"""The tables of the corpora's papers beside what the data says, cell by cell.

published_emotalk, published_m3ed   the papers' numbers, each with its source
count_emotalk, count_m3ed           the same numbers, counted on a loaded corpus
compare                             one put beside the other
tables, grids                       the result, and how it looks as text, Markdown and HTML
"""
