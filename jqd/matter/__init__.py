"""Matter: solids, gases, packets, photons and temperature."""
