"""Public numbers of the models "derive-pm2" and "derive-srm"."""
