"""What several features show: the menu, plans and quotas, the trial offer, what is on offer, pictures."""
