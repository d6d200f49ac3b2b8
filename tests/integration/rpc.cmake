# The server alone first, then with service and client on a fake engine, then on the real one.
set(peers rpc_raw.c rpc_echo.c)
tw_test(integration test_rpc_server.c SOURCES ${peers} DEPENDS tw_nng tw_rpc_server)
tw_test(integration test_rpc_hostile.c SOURCES ${peers} DEPENDS tw_nng tw_rpc_server)
tw_test(integration test_rpc_turns.c SOURCES ${peers} DEPENDS tw_nng tw_rpc_server)
tw_test(integration test_rpc_stop.c SOURCES ${peers} DEPENDS tw_nng tw_rpc_server)
foreach(name service client)
  tw_test(integration test_rpc_${name}.c SOURCES ${peers} rpc_fake.c ${PROJECT_SOURCE_DIR}/rpc/service.c
    DEPENDS tw_rpc_client tw_rpc_keys tw_rpc_server tw_rpc_wire)
endforeach()
tw_test(integration test_rpc_engine.c DEPENDS tw_rpc_client tw_rpc_service)
