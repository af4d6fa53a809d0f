"""Loads law firms' data by Meltano, one Airflow task a firm."""
