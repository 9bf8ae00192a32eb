"""An attestation: the files that an exchange publishes and keeps, how they are built, and how they are audited."""
