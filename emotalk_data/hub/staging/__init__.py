"""WHAT IS TO BE UPLOADED: laid out in a folder of its own, and nothing else ever leaves the machine.

    stage            what `publish` calls: sources in, a staging folder out
    sources          what was given, and what its configs are called
    to_stage         a config that is to be written, and its name
    files            the files of a source, none of them a link; placed byte for byte
    feature_configs  a feature set becomes a config of vectors, one of frames, or both
    feature_shards   shards of one level, and without paths of the machine that made them
    feature_facts    what the card says of how a set was made
    split_configs    a split file, and a table of what it says
    table_configs    Parquet files become a config; and a folder of them that says nothing of itself
    built_configs    what `emotalk build` made

Nothing here knows of the network.
"""
