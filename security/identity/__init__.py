"""Who somebody is: staff, sessions, users of applications, keys."""
