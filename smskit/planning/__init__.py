"""Who gets what: the parameters and their validation, plan, policy, preview, drift."""
