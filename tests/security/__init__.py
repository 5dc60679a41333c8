"""What people tried in order to break the promises on privacy and safety, row by row of the list."""
