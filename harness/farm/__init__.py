"""Sessions and exports spread over hosts: jobs, who may run them where, and what they left."""
