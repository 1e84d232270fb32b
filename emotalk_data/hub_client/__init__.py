"""HOW THE HUB IS CALLED: one place for tokens, time limits, retries and typed errors.

The modules are:
    token      a token that shows itself nowhere
    limits     time limits, which the client has not
    calling    a call of `huggingface_hub`, tried again where that helps, with its errors as ours
    faults     what went wrong, told as a `HubError`
"""
