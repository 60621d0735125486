"""What is made of finished runs: results, statistics, tables, curves, pictures, the page."""
