"""What a person can do: one module for each verb, imported only when it is called."""
