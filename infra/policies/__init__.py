"""What every plan must satisfy, as plain functions over planned resources."""
