"""The tables of the database, and the migrations that make them."""
