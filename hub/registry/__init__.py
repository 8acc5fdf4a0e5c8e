"""What the hub knows: gateways, devices, entities, areas and labels."""
