tw_fuzz(fuzz_rpc_request fuzz_rpc_request.c DEPENDS tw_rpc_wire)
tw_fuzz(fuzz_rpc_reply fuzz_rpc_reply.c DEPENDS tw_rpc_wire)
tw_fuzz(fuzz_rpc_sp fuzz_rpc_sp.c DEPENDS tw_rpc_server)
