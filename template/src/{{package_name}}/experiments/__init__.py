"""Shadow deployments and A/B tests of a challenger against the champion."""
