tw_test(property prop_rpc_wire.c DEPENDS tw_rpc_wire)
