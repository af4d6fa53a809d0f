"""A page of a firm's finances: one HTML file, made from the marts of the dbt package."""
