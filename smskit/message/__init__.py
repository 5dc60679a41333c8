"""What: template, variables, parts, opt-out wording, lint, hours and caps."""
