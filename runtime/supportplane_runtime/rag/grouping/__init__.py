"""Questions of many customers to the few subjects that they are about; pure, on vectors that were made elsewhere."""
