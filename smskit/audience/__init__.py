"""Who: phones, persons, segments from files and databases, rules, exploring them."""
