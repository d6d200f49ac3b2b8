tw_test(oom oom_rpc.c DEPENDS tw_rpc_keys tw_rpc_server tw_rpc_wire)
