"""What several experiments share; an experiment imports it as `_support`."""
