"""Which maturity level any repository has reached, and on what evidence; none of its code runs."""
