"""What is checked in each lab, one module a lab."""
